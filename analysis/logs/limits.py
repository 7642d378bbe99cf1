"""Limits for folders of unknown origin; `docs/files.md` lists the same numbers.

If input exceeds a limit, a message names the limit. Logs of other programs have lower limits,
because their events are created one by one.
"""

#: Files and folders that one search looks at, and folders within folders.
MAX_NAMES = 100_000
MAX_DEPTH = 32
#: Entries and bytes that a search unpacks from all archives together.
MAX_ENTRIES = 20_000
MAX_UNPACKED_BYTES = 1 << 30
#: The logs of one run together: ours, and those of other programs.
MAX_OWN_BYTES = 4 << 30
MAX_TEXT_BYTES = 256 << 20
#: Unusable lines of one of our logs; after these it is read no further.
MAX_DAMAGE = 500
#: Runs between delimiters in a file.
MAX_RUNS_IN_A_FILE = 1_000
#: Shapes of lines without an event that are listed.
MAX_SHAPES = 50
#: A line of a log of another program, and the events of a run, which are created one by one.
MAX_LINE_CHARACTERS = 1 << 16
MAX_EVENTS = 2_000_000
#: Machines that the logs of other programs name, the length of their names, and events times
#: machines, since a message to unknown receivers may be for any.
MAX_MACHINES = 500
MAX_NAME_CHARACTERS = 200
MAX_CELLS = 20_000_000
#: Processor time of the search for a regular expression in the logs of one run: a base, and more
#: for each search and character, up to a maximum. Common expressions take a tenth of it.
SEARCH_BASE_S = 0.25
SEARCH_S = 1e-5
SEARCH_S_PER_CHARACTER = 1e-6
MAX_SEARCH_S = 8.0
MAX_EXPRESSION = 2_000
#: The file that describes the logs of a program.
MAX_DESCRIPTION_BYTES = 1 << 16
#: Receivers named in all events of a run together.
MAX_RECEIVERS = 5_000_000
#: Comparisons of vectors from which the messages of a ShiViz log are inferred.
MAX_COMPARED = 200_000_000
#: Components in all of their clocks.
MAX_COMPONENTS = 4_000_000
#: Characters of a file or a line that a message repeats.
MAX_REASON_CHARACTERS = 300
