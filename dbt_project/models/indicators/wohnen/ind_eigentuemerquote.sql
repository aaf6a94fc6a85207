{{ indikator(fallzahl('wohnungen_selbstgenutzt'), fallzahl('wohnungen_bewohnt')) }}
