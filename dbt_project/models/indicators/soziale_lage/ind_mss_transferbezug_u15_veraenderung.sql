{{ indikator_geliefert(lieferwert('mss_transferbezug_u15_veraenderung')) }}
