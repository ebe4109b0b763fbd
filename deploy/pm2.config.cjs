// pm2 start deploy/pm2.config.cjs && pm2 save && pm2 startup
const path = require("node:path");

const clone = path.dirname(__dirname);

module.exports = {
  apps: [
    {
      name: "playbook-miner",
      cwd: clone,
      script: "run.py",
      interpreter: path.join(clone, "venv", "bin", "python"),
      instances: 1, // more processes are run.py's business: WORKERS in .env
      exec_mode: "fork",
      kill_timeout: 40000, // running requests end within their deadline
      restart_delay: 5000,
      stop_exit_codes: [2], // a wrong setting, which no restart mends
      max_memory_restart: "2G",
      env: { PYTHONUNBUFFERED: "1" },
    },
  ],
};
