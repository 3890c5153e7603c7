"""The training pictures: where each kind comes from and how it is prepared."""
