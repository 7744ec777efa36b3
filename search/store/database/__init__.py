"""The Optuna database that other tools read."""
