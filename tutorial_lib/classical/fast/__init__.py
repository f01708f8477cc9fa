"""What is there only for speed: the same cuts and paths, on fewer pixels."""
