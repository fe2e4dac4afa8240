"""Real data and Terrarium in, one pool out."""
