#!/bin/sh
# A start of the container: what Coolify's init does one after the other, then the web server. An error in the first
# parts keeps the container from starting.
set -eu
cd /var/www/html
php artisan start:migration
php artisan db:seed
php artisan app:init
exec php -q -S 0.0.0.0:8080 router.php
