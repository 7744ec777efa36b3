"""One typed function a verb: parses, calls, prints."""
