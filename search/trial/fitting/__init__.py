"""Trainings as they run: callbacks, values, checkpoints kept, loggers."""
