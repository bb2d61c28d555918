"""Pages: each is one question of the user, and none knows another."""
