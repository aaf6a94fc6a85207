{{ indikator(fallzahl('haushalte_einperson'), fallzahl('haushalte')) }}
