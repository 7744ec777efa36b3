"""The control plane: coordinator, ledger, sampling, channel, executors. Knows no torch."""
