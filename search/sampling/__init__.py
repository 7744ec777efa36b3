"""All that Optuna decides: the next configuration, and which trial is pruned."""
