{{ indikator(fallzahl('wohnungen_gebunden'), fallzahl('wohnungen_gemeldet')) }}
