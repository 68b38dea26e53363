"""Single figures of a table of the leaderboard."""
