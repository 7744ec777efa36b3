"""Words of other tools for the things that a study file names, and their names here.

Keys are in the form of `plain_word`.
"""

from __future__ import annotations

from collections.abc import Mapping

_BAYES = "Write sampler: tpe, which is Bayesian optimization by Parzen estimators, or sampler: gp."
_GP = "Write sampler: gp."
_GRID = "Write sampler: grid."
_QMC = "Write sampler: qmc."
_CMAES = "Write sampler: cmaes."
_EVOLUTION = "Write sampler: nsgaii, which evolves a population, or sampler: cmaes."
_IS_A_PRUNER = "That ends trials early: write pruner: {}, beside sampler: tpe."
_BOHB = "BOHB is two settings here: write sampler: tpe and pruner: hyperband."
_IS_PBT = "That goes on from checkpoints of others: write scheduler: pbt."
_ASHA = (
    "Write pruner: successive_halving, which is asynchronous as ASHA is, or pruner: hyperband, "
    "which runs several of it."
)
_MEDIAN = "Write pruner: median."
_IS_A_SAMPLER = "That chooses values: write sampler: {}."
_ANY_LOGGER = (
    "Give any other logger of Lightning's as a class: "
    "trainer: {logger: {class_path: pytorch_lightning.loggers.CometLogger}}."
)
_TENSORBOARD = "Write logger: tensorboard."
_WANDB = "Write logger: wandb."

SAMPLER_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("bayes", "bayesian", "bayesopt", "bayesianoptimization", "bo"), _BAYES),
    **dict.fromkeys(("bayesianoptimisation", "hyperopt", "smac", "parzen", "default"), _BAYES),
    **dict.fromkeys(("gaussian", "gaussianprocess", "botorch", "ax", "skopt", "kriging"), _GP),
    **dict.fromkeys(("randomsearch", "randomized", "uniform"), "Write sampler: random."),
    **dict.fromkeys(("gridsearch", "exhaustive", "sweep"), _GRID),
    **dict.fromkeys(("sobol", "halton", "quasirandom", "quasimontecarlo"), _QMC),
    **dict.fromkeys(("latinhypercube", "lhs"), _QMC),
    **dict.fromkeys(("cma", "es", "evolutionstrategy", "evolutionstrategies"), _CMAES),
    **dict.fromkeys(("evolutionary", "evolution", "genetic", "ga", "moea"), _EVOLUTION),
    **dict.fromkeys(("nsga", "nsga2", "nsga3", "nsgaiii"), "Write sampler: nsgaii."),
    **dict.fromkeys(("pbt", "pb2", "populationbasedtraining", "populationbased"), _IS_PBT),
    **dict.fromkeys(("bohb", "tpehyperband"), _BOHB),
    **dict.fromkeys(("hyperband", "median"), _IS_A_PRUNER.format("hyperband or pruner: median")),
    **dict.fromkeys(("asha", "successivehalving"), _IS_A_PRUNER.format("successive_halving")),
}
PRUNER_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("asha", "sha", "asyncsuccessivehalving", "asynchyperband", "halving"), _ASHA),
    "bohb": _BOHB,
    **dict.fromkeys(("medianstopping", "medianstop", "medianstoppingrule", "default"), _MEDIAN),
    **dict.fromkeys(
        ("earlystopping", "earlystop", "patience", "plateau"), "Write pruner: patient."
    ),
    **dict.fromkeys(("quantile", "top"), "Write pruner: percentile."),
    **dict.fromkeys(("racing", "ttest", "frace", "irace"), "Write pruner: wilcoxon."),
    **dict.fromkeys(("pbt", "pb2", "populationbasedtraining"), _IS_PBT),
    **dict.fromkeys(("nop", "nopruner", "disabled", "null"), "Write pruner: none."),
    "tpe": _IS_A_SAMPLER.format("tpe"),
    **dict.fromkeys(("random", "randomsearch"), _IS_A_SAMPLER.format("random")),
    **dict.fromkeys(("bayes", "bayesian"), _IS_A_SAMPLER.format("tpe")),
    **dict.fromkeys(("grid", "gridsearch"), _IS_A_SAMPLER.format("grid")),
}
SCHEDULER_WORDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("sha", "successivehalving", "asynchyperband", "halving", "promotion"),
        "Write scheduler: asha.",
    ),
    **dict.fromkeys(("hb", "bohb"), "Write scheduler: hyperband."),
    **dict.fromkeys(("freezethaw", "dyhpo"), "Write scheduler: thaw."),
    **dict.fromkeys(
        ("median", "percentile", "threshold", "patient", "wilcoxon", "medianstopping"),
        "That ends trials for good: write pruner: median or another.",
    ),
    **dict.fromkeys(
        ("cosine", "cosineannealing", "steplr", "onecycle", "linear", "plateau"),
        "That changes learning rates: write lr_scheduler.",
    ),
    **dict.fromkeys(("fifo", "nop", "default", "null"), "Write scheduler: none."),
    **dict.fromkeys(("pb2", "populationbasedtraining", "populationbased"), "Write scheduler: pbt."),
}
LOGGER_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("tb", "tboard", "tensorboardx"), _TENSORBOARD),
    **dict.fromkeys(("w&b", "wb", "weightsandbiases", "weights&biases"), _WANDB),
    **dict.fromkeys(("comet", "cometml", "neptune", "clearml", "aim", "litlogger"), _ANY_LOGGER),
}
_SPACE = "Write space: {model.lr: {float: [1e-4, 1e-1], log: true}}."
_OBJECTIVE = "Write objective: {metric: val_loss, direction: minimize}."
_BUDGET = "Write budget: {trials: 50, timeout: 8h}."
_WARM_START = "Write warm_start: earlier-study, or warm_start: [earlier-study, other.db]."
_RESOURCES = "Write resources: {cpus: 4, gpus: 1, memory: 16GiB}."
_ON = "Write on: {engine: slurm, partition: gpu, time: 4h}."
_STOPPING = "Write budget: {epochs: 500, cost: 4h, target: 0.1, no_improvement: 20}."
SECTION_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("searchspace", "params", "parameters", "hyperparameters"), _SPACE),
    **dict.fromkeys(("metric", "monitor", "direction", "mode"), _OBJECTIVE),
    **dict.fromkeys(("transfer", "learnfrom", "warmstarting", "previous", "sources"), _WARM_START),
    **dict.fromkeys(("trials", "ntrials", "numtrials", "numsamples", "timeout"), _BUDGET),
    **dict.fromkeys(("cost", "target", "noimprovement", "patience", "earlystopping"), _STOPPING),
    **dict.fromkeys(("epochs", "maxepochs", "nepochs"), "Write trainer: {max_epochs: 20}."),
    **dict.fromkeys(("accelerator", "devices", "gpus"), "Write trainer: {accelerator: auto}."),
    "callbacks": "Write trainer: {callbacks: [{class_path: ..., init_args: {...}}]}.",
    **dict.fromkeys(("module", "net"), "Write model: {class_path: my_package.MyModule}."),
    **dict.fromkeys(
        ("datamodule", "dataset"), "Write data: {class_path: my_package.MyDataModule}."
    ),
    **dict.fromkeys(("program", "file", "entrypoint", "command"), "Write script: train.py."),
    **dict.fromkeys(("args", "argv", "flags", "options"), "Write arguments: {--data-dir: ./data}."),
    "overrides": "Write hydra: {overrides: [experiment=example]}.",
    **dict.fromkeys(("cpus", "threads", "nproc", "numthreads", "memory", "mem"), _RESOURCES),
    **dict.fromkeys(("cluster", "slurm", "partition", "queue", "walltime", "engine"), _ON),
    "search": "Write sampler: tpe for how to search, space for what.",
    **dict.fromkeys(
        ("effectivebatch", "effectivebatchsize", "globalbatchsize"),
        "Write batch: {effective: 256}.",
    ),
    "batchsize": (
        "Write it where it is taken: data: {..., init_args: {batch_size: 32}}, or arguments: "
        "{--batch-size: 32}."
    ),
}
RESOURCE_WORDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("cpu", "threads", "nproc", "ncpus", "numcpus", "cores", "cpuspertask"), "Write cpus: 4."
    ),
    **dict.fromkeys(("gpu", "devices", "ngpus", "numgpus", "gpuspertask"), "Write gpus: 1."),
    **dict.fromkeys(("mem", "ram"), "Write memory: 16GiB."),
    **dict.fromkeys(("node", "nnodes", "numnodes", "hosts", "machines"), "Write nodes: 2."),
}
_OF_A_TRIAL = "Write it of one trial: resources: {cpus: 4, gpus: 1, memory: 16GiB}."
ON_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("queue", "partitions"), "Write partition: gpu."),
    **dict.fromkeys(("walltime", "timeout", "timelimit", "timeoutmin", "hours"), "Write time: 4h."),
    **dict.fromkeys(("account", "qos", "constraint", "reservation"), "Write extra: [--account=x]."),
    **dict.fromkeys(
        ("additionalparameters", "sbatchargs", "directives", "options", "args"),
        "Write extra: [--account=x].",
    ),
    **dict.fromkeys(
        ("modules", "moduleload", "prologue", "prolog", "jobscriptprologue", "initscript"),
        "Write setup: [module load cuda].",
    ),
    **dict.fromkeys(
        ("cpus", "cpuspertask", "cores", "nproc", "gpus", "memory", "mem", "resources"),
        _OF_A_TRIAL,
    ),
    **dict.fromkeys(
        ("workers", "jobs", "njobs", "nodes", "nnodes"),
        "Write how many trials at a time on the command line: --workers 64.",
    ),
    "name": "Write engine: slurm.",
}
ENGINE_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("sbatch", "srun", "cluster"), "Write on: slurm."),
    **dict.fromkeys(("raytune", "raycluster", "anyscale", "kuberay"), "Write on: ray."),
    **dict.fromkeys(
        ("here", "local", "off", "none"),
        "Leave on out, or run the study with --on here.",
    ),
}
# by the section that they stand in
KEY_WORDS: Mapping[str, Mapping[str, str]] = {"resources": RESOURCE_WORDS, "on": ON_WORDS}
DIRECTION_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("min", "lower", "down", "less", "minimum"), "Write direction: minimize."),
    **dict.fromkeys(("max", "higher", "up", "more", "maximum"), "Write direction: maximize."),
}
