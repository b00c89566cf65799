"""What the project knows of written Chinese; imports nothing of ours."""
