{{ indikator_geliefert(lieferwert('bewertung_jobcenter')) }}
