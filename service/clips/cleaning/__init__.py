"""Cleans films and pictures of everything that tells where, when, with what and by whom they were made."""
