"""Attempts on other machines: an agent on each, and a bridge between them and the coordinator."""
