{{ indikator_geliefert(lieferwert('mss_transferbezug_veraenderung')) }}
