"""Tables, leaderboard and figures: plain functions over the files of the cells."""
