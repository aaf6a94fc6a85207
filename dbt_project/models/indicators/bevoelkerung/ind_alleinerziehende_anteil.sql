{{ indikator(fallzahl('haushalte_alleinerziehend'), fallzahl('haushalte_mit_kindern')) }}
