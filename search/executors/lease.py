"""How long what runs on another machine may outlive the last word from its coordinator."""

LEASE_S = 30.0
