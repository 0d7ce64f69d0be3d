"""Cleans films and pictures of everything that shows where, when, with what and by whom they were made."""
