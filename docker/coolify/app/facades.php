<?php
// What code for artisan's tinker asks of Laravel: its database, by the name and with the methods that it has there.
namespace Illuminate\Support\Facades;

final class DB
{
    public static function selectOne(string $sql, array $values = []): ?object
    {
        $row = self::run($sql, $values)->fetch(\PDO::FETCH_OBJ);
        return $row === false ? null : $row;
    }

    public static function insert(string $sql, array $values = []): bool
    {
        return self::run($sql, $values)->rowCount() > 0;
    }

    public static function update(string $sql, array $values = []): int
    {
        return self::run($sql, $values)->rowCount();
    }

    private static function run(string $sql, array $values): \PDOStatement
    {
        $statement = \database()->prepare($sql);
        $statement->execute(array_values($values));
        return $statement;
    }
}
