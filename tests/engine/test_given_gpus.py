"""GPUs that a study file gives each trial, on machines that are pretended."""

from __future__ import annotations

import pytest

from search.answers import Checked
from search.engine.given_gpus import checking_slot, with_given_gpus
from search.engine.workers import Machine, Wanted, choose_workers
from search.errors import UserError
from search.executors.slots import slots_for
from search.messages import Slot
from search.study_file.cluster_sections import Resources


def given(gpus: int) -> Resources:
    return Resources.model_validate({"gpus": gpus})


def slots(facts: Checked, resources: Resources) -> list[Slot]:
    machine = Machine(cores=8, free_memory_bytes=64 << 30)
    choice = choose_workers(facts, machine, Wanted(None, given=resources))
    return slots_for(choice.workers, choice.threads, choice.groups)


def test_trainer_that_takes_all_gets_as_many_gpus_as_are_given() -> None:
    facts = Checked(gpus=("0", "1", "2", "3"), gpus_a_trial=1, takes_all_gpus=True)
    two = with_given_gpus(facts, given(2))
    assert [slot.gpus for slot in slots(two, given(2))] == [("0", "1"), ("2", "3")]
    assert two.processes_a_trial == 2
    # of a machine whose answer was kept
    assert with_given_gpus(two, given(2)) == two


def test_trial_that_is_given_none_sees_none() -> None:
    assert checking_slot(given(0)).gpus == ()
    assert checking_slot(Resources.model_validate({})).gpus is None
    # as the check finds them, which sees none either
    assert {slot.gpus for slot in slots(Checked(), given(0))} == {()}


@pytest.mark.parametrize(
    ("facts", "gpus", "line"),
    [
        (
            Checked(),
            1,
            "resources.gpus: is 1, and the machine has no GPU that torch can use. Run the study "
            "where there are as many, or write a smaller number.",
        ),
        (
            Checked(gpus=("0",), gpus_a_trial=1, takes_all_gpus=True),
            2,
            "resources.gpus: is 2, and the machine has 1 GPU that torch can use. Run the study "
            "where there are as many, or write a smaller number.",
        ),
        # of a script, whose own Trainer says it
        (
            Checked(gpus=("0", "1"), gpus_a_trial=2),
            1,
            "resources.gpus: is 1, and the Trainer takes 2 (trainer.accelerator, "
            "trainer.devices). Write the same number.",
        ),
        (
            Checked(gpus=("0", "1")),
            1,
            "resources.gpus: is 1, and the Trainer takes none (trainer.accelerator, "
            "trainer.devices). Write the same number.",
        ),
    ],
)
def test_number_that_cannot_be_is_refused(facts: Checked, gpus: int, line: str) -> None:
    with pytest.raises(UserError) as told:
        with_given_gpus(facts, given(gpus))
    assert str(told.value) == line
