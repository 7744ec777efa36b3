"""An attempt as a process: its channel, its ranks, its exit."""
