"""Clips: films and pictures, from a resumable upload through cleaning to those who may see them."""
