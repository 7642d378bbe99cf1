"""Descriptions of log formats: their fields, their files, and the records that they cut out."""
