"""Spellings of older Lightning releases that people paste, and what they are called today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from search.plain.yaml import shown

_REMOVED = {
    "gpus": "accelerator: gpu and devices: {value}",
    "num_gpus": "accelerator: gpu and devices: {value}",
    "tpu_cores": "accelerator: tpu and devices: {value}",
    "ipus": "accelerator: auto and devices: {value}",
    "num_processes": "accelerator: cpu and devices: {value}",
    "distributed_backend": "strategy: {value}",
    "amp_backend": "precision: 16-mixed",
    "amp_level": "precision: 16-mixed",
    "progress_bar_refresh_rate": "enable_progress_bar: true",
    "process_position": "enable_progress_bar: true",
    "checkpoint_callback": "enable_checkpointing: {value}",
    "weights_summary": "enable_model_summary: true",
    "log_gpu_memory": "callbacks with class_path pytorch_lightning.callbacks.DeviceStatsMonitor",
    "stochastic_weight_avg": (
        "callbacks with class_path pytorch_lightning.callbacks.StochasticWeightAveraging"
    ),
    "replace_sampler_ddp": "use_distributed_sampler: {value}",
    "reload_dataloaders_every_epoch": "reload_dataloaders_every_n_epochs: 1",
    "terminate_on_nan": "detect_anomaly: {value}",
    "truncated_bptt_steps": "the loop of the module's own training_step",
    "multiple_trainloader_mode": "a CombinedLoader in train_dataloader",
    "move_metrics_to_cpu": "self.log(..., on_epoch=True) with values moved by the module",
    "prepare_data_per_node": "the attribute prepare_data_per_node of the data module",
    "track_grad_norm": "self.log of the norm in on_before_optimizer_step",
    "flush_logs_every_n_steps": "the options of the logger",
}
_TOOL = {
    "auto_scale_batch_size": "batch: {{auto_scale: {value}}} beside trainer",
    "auto_lr_find": "a learning rate in space",
    "auto_select_gpus": "nothing: each worker gets the GPU with most free memory",
    "resume_from_checkpoint": "search resume, which goes on from the trial's own checkpoint",
    "weights_save_path": "nothing: checkpoints are kept in the trial's folder",
    "default_root_dir": "nothing: everything a trial writes is kept in its own folder",
}
_ACCELERATORS = {
    "dp": "strategy: ddp (dp is gone)",
    "ddp": "strategy: ddp",
    "ddp2": "strategy: ddp (ddp2 is gone)",
    "ddp_cpu": "accelerator: cpu and strategy: ddp",
    "ddp_spawn": "strategy: ddp_spawn",
    "ddp_sharded": "strategy: fsdp",
    "horovod": "strategy: ddp (horovod is gone)",
}


def old_spellings(trainer: Mapping[str, object]) -> Iterator[str]:
    """A line `trainer.key: ...` for each argument that Lightning 2 no longer knows."""
    for key, value in trainer.items():
        if value is None:
            continue
        today = _REMOVED.get(key) or _TOOL.get(key)
        if today is not None:
            text = today.format(value=_auto(key, value))
            owner = "is given by the tool" if key in _TOOL else "is gone from Lightning 2"
            yield f"trainer.{key}: {owner}. Write {text}."
        elif key == "accelerator" and isinstance(value, str) and value in _ACCELERATORS:
            yield f"trainer.accelerator: {value} is no accelerator. Write {_ACCELERATORS[value]}."
        elif key == "strategy" and value in ("dp", "ddp2", "horovod"):
            yield f"trainer.strategy: {value} is gone from Lightning 2. Write strategy: ddp."


def _auto(key: str, value: object) -> str:
    if key == "auto_scale_batch_size" and value is True:
        return "power"
    return shown(value)
