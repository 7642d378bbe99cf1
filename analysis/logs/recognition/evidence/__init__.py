"""How well a reading explains the clocks of logs, and what makes it doubtful."""
