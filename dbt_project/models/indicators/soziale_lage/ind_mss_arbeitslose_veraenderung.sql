{{ indikator_geliefert(lieferwert('mss_arbeitslose_veraenderung')) }}
