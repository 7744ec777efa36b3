"""Cluster engines, by the commands that they are told with. A family: one protocol."""
