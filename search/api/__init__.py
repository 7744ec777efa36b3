"""Studies from a script or a notebook; the same engine as the command line's."""
