"""How long what runs on another machine may outlive the last word from its coordinator."""

LEASE_S = 30.0
# an agent whose lease has ended kills its attempts, which takes a moment
ENDED_S = LEASE_S + 3.0
# a process that its parent's death ends is gone a moment later
DIES_WITHIN_S = 2.0
