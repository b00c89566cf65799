"""Question and hits → an answer with verified citations."""
