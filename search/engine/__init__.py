"""The run of a study: coordinator, ledger, attempts. Knows no torch."""
