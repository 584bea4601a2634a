"""What the shipped rules name and need, the pages about them, and the routes of the example for Alertmanager."""
