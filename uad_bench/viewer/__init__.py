"""Pages that show the stored anomaly maps of a leaderboard case by case: `leaderboard --viewer N`."""
