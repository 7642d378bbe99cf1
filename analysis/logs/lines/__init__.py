"""The meaning of the texts in lines: names, vectors, and lines without an event."""
