{{ indikator_geliefert(lieferwert('mss_langzeitarbeitslose_veraenderung')) }}
