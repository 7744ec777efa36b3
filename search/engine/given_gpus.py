"""The number of GPUs that a study file gives each trial, against what the preflight found."""

from __future__ import annotations

from msgspec import structs

from search.answers import Checked
from search.errors import UserError
from search.executors.slots import cores
from search.messages import Slot
from search.plain.formats import format_count
from search.study_file.cluster_sections import Resources


def checking_slot(given: Resources, *, is_shared: bool = True) -> Slot:
    """The slot of a lone worker: the check sees every core, and every GPU unless a trial is given
    none.

    Args:
        is_shared: trials share a machine by what is measured with its cores.
    """
    return Slot(threads=cores() if is_shared else 1, gpus=() if given.gpus == 0 else None)


def with_given_gpus(facts: Checked, given: Resources) -> Checked:
    """The facts where a Trainer that takes all that it sees will see as many as it is given.

    Raises:
        UserError: the Trainer takes another number, or the machine has fewer.
    """
    gpus = given.gpus
    if not gpus:
        return facts
    if gpus > len(facts.gpus):
        has = format_count(len(facts.gpus), "GPU") if facts.gpus else "no GPU"
        raise UserError(
            f"resources.gpus: is {gpus}, and the machine has {has} that torch can use. "
            "Run the study where there are as many, or write a smaller number."
        )
    if facts.gpus_a_trial and facts.takes_all_gpus:
        processes = gpus * given.node_count
        return structs.replace(facts, gpus_a_trial=gpus, processes_a_trial=processes)
    if gpus != facts.gpus_a_trial:
        takes = facts.gpus_a_trial or "none"
        raise UserError(
            f"resources.gpus: is {gpus}, and the Trainer takes {takes} "
            "(trainer.accelerator, trainer.devices). Write the same number."
        )
    return facts
