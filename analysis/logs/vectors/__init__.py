"""Logs that hold a vector clock per event and no messages, in whatever format they are written."""
