"""The lines of logs of unknown format, cut into tokens, and mined for their shapes."""
