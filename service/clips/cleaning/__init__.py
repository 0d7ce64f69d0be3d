"""Removes from films and pictures all data about the place, the time, the device and the people of the recording."""
