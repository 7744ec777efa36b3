"""The origin of a study: revision, machine, packages, command; nothing secret."""
