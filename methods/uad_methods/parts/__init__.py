"""What more than one method uses: functions and small networks, no parents."""
