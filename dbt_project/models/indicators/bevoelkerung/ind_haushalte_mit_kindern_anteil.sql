{{ indikator(fallzahl('haushalte_mit_kindern'), fallzahl('haushalte')) }}
