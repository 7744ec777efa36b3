"""Executors start attempts. A family: one protocol, one dictionary of implementations."""
