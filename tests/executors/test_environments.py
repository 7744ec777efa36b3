"""What processes of an executor are told by their environment."""

from __future__ import annotations

from search.executors.server_environment import bridge_environment


def test_commands_of_a_cluster_know_nothing_of_the_job_that_search_runs_in() -> None:
    own = {
        "SLURM_CONF": "/etc/slurm.conf",
        "SLURM_JOB_ID": "17",
        "SLURM_MEM_PER_CPU": "1500",
        "SLURM_JOB_NODELIST": "n1",
        "SBATCH_ACCOUNT": "ada",
        "PATH": "/bin",
    }
    told = bridge_environment(own)
    assert {name for name in own if name in told} == {"SLURM_CONF", "SBATCH_ACCOUNT", "PATH"}


def test_outside_of_a_job_what_the_user_has_set_holds() -> None:
    own = {"SLURM_TIME_FORMAT": "relative", "SLURM_CLUSTERS": "alps"}
    assert own.items() <= bridge_environment(own).items()
