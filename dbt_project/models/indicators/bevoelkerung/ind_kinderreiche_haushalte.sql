{{ indikator(fallzahl('haushalte_kinderreich'), fallzahl('haushalte_mit_kindern')) }}
