"""When and in what order, and what gates what. Assembly only: no data logic here."""
